// A service worker that answers for the page's own files with headers that most static hosts do not send: those of
// cross-origin isolation, which threads on WebAssembly need, and the page's security policy, which workers do not have of
// the page but of the answer that their script came in. It keeps nothing, and asks no other origin for anything.

// Put in from index.html when the page is built.
const policy = '__POLICY__';
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (new URL(request.url).origin !== self.location.origin) return;
  if (request.cache === 'only-if-cached' && request.mode !== 'same-origin') return;
  event.respondWith(
    fetch(request).then((response) => {
      if (response.status === 0) return response;
      const headers = new Headers(response.headers);
      headers.set('Cross-Origin-Opener-Policy', 'same-origin');
      headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
      headers.set('Content-Security-Policy', policy);
      const { status, statusText } = response;
      // These two have no body, and none may be given.
      const body = status === 204 || status === 304 ? null : response.body;
      return new Response(body, { status, statusText, headers });
    }),
  );
});
