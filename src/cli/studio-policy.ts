/** The content security policy of the Studio's page, which is written once: in the page itself. */

const META = /<meta\s+http-equiv="Content-Security-Policy"\s+content="([^"]+)"/;

/** The policy in a page; undefined where it has none. */
export const policyIn = (html: string): string | undefined => META.exec(html)?.[1];
