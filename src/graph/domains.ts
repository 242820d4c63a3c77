/** The domains that operators belong to, beside ONNX's own, which has the empty name. */

/**
 * Operators that say what is meant and have no ONNX kernel: each engine's lowering replaces them before a graph is
 * written (see `engine/lowering`).
 */
export const TRACT_DOMAIN = 'tract';
/** ONNX Runtime's own operators (`com.microsoft`), used by lowerings only. */
export const MICROSOFT_DOMAIN = 'com.microsoft';
