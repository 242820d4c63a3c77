/** Packages that not everybody needs, and that are installed beside this one by those who do. */

/**
 * Loads a package when it is first needed.
 *
 * @param purpose what it is for, such as `reading image files`
 * @throws Error that says what to install, where it is missing
 */
export async function optionalPackage<T>(name: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(`${purpose} needs the package ${name}, which is not installed: npm install ${name}`, {
      cause: error,
    });
  }
}
