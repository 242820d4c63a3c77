/** Packages that not everybody needs, and that are installed beside this one by those who do. */

/** A package that is not installed. */
export class MissingPackageError extends Error {
  override name = 'MissingPackageError';
}

/**
 * Loads a package when it is first needed.
 *
 * @param purpose what it is for, such as `reading image files`
 * @throws MissingPackageError that says what to install
 */
export async function optionalPackage<T>(name: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new MissingPackageError(
      `${purpose} needs the package ${name}, which is not installed: npm install ${name}`,
      { cause: error },
    );
  }
}
