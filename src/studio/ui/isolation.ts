/**
 * Whether the page may use threads, and whether its workers are under its security policy; and the service worker that sees
 * to both where the host does not.
 */

/** Milliseconds; where workers are switched off, none is ever ready. */
const READY_WITHIN = 4000;
const TRIED = 'tract-studio-isolation-tried';

/** Whether scripts come with the security policy: workers have theirs of that, not of the page. */
async function comesWithPolicy(): Promise<boolean> {
  const { headers } = await fetch(new URL('isolation.js', document.baseURI), { cache: 'no-store' });
  return headers.has('Content-Security-Policy');
}

/**
 * Sees to cross-origin isolation, and to the policy of workers. To be called before any worker is started.
 *
 * @returns `reloading` where the page is about to be loaded again with them; `policed` where workers have the policy
 */
export async function isolate(): Promise<{ readonly reloading: boolean; readonly policed: boolean }> {
  const policed = await comesWithPolicy().catch(() => false);
  if (globalThis.crossOriginIsolated && policed) {
    sessionStorage.removeItem(TRIED);
    return { reloading: false, policed };
  }
  return { reloading: await reloadedByServiceWorker(), policed };
}

async function reloadedByServiceWorker(): Promise<boolean> {
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
