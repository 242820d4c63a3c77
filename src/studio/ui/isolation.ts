/** Whether the page may use threads, and the service worker that lets it where the host does not. */

/** Milliseconds; where workers are switched off, none is ever ready. */
const READY_WITHIN = 4000;
const TRIED = 'tract-studio-isolation-tried';

/**
 * Sees to cross-origin isolation.
 *
 * @returns true where the page is about to be loaded again with it
 */
export async function isolate(): Promise<boolean> {
  if (globalThis.crossOriginIsolated) {
    sessionStorage.removeItem(TRIED);
    return false;
  }
  const { serviceWorker } = navigator as { readonly serviceWorker?: ServiceWorkerContainer };
  if (!serviceWorker || sessionStorage.getItem(TRIED)) return false;
  try {
    await serviceWorker.register(new URL('isolation.js', document.baseURI));
    const ready = await Promise.race([
      serviceWorker.ready,
      new Promise((resolve) => setTimeout(resolve, READY_WITHIN)),
    ]);
    if (ready === undefined) return false;
  } catch {
    return false;
  }
  sessionStorage.setItem(TRIED, 'yes');
  location.reload();
  return true;
}

/** Why there is one thread, in words; undefined where there are several. */
export function oneThreadReason(): string | undefined {
  if (globalThis.crossOriginIsolated)
    return navigator.hardwareConcurrency === 1 ? 'this machine has one core' : undefined;
  if (!globalThis.isSecureContext)
    return 'the page came unencrypted, and browsers give threads to https and localhost only';
  return 'this browser does not isolate the page from other sites, which threads need';
}

const HELD_BY_ANOTHER = 3000;

/** Whether this tab is the only one with the Studio; it then holds that until it is closed. */
export function claim(): Promise<boolean> {
  const { locks } = navigator as { readonly locks?: LockManager };
  if (!locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    locks
      // A page that is being reloaded may have it for a moment.
      .request('tract-studio', { signal: AbortSignal.timeout(HELD_BY_ANOTHER) }, () => {
        resolve(true);
        return new Promise(() => undefined);
      })
      .catch(() => {
        resolve(false);
      });
  });
}
