/**
 * Security headers of every response, in case a browser renders it: no sniffing of the content
 * type, no framing, no loading of anything, and use only by pages of its own origin and of those
 * that CORS allows. Routes with pages override them. Cookies are neither set nor read, so that a
 * page of another origin cannot use a user's rights (CSRF).
 */

const EVERYWHERE: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Adds the headers that the route has not set. */
export function forBrowsers(response: Response): Response {
  for (const [name, value] of Object.entries(EVERYWHERE)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
