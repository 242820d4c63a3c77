/** Rows and columns of the matrices whose product is the measure of what the machine can do. */
export const MATMUL_SIZE = 2048;

/** Floating-point operations of the product. */
export const MATMUL_OPERATIONS = 2 * MATMUL_SIZE ** 3;
