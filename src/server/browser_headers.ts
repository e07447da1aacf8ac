/**
 * What every answer tells a browser, for whatever may be made of it there: that it is what it says it
 * is, is no page to frame, loads nothing, and is for pages of its own origin and of those that CORS
 * lets in. Routes with pages say more. No answer sets a cookie and none is read, so a page of another
 * origin has nobody's rights to borrow.
 */

const EVERYWHERE: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** The same response, with what its route has not said. */
export function forBrowsers(response: Response): Response {
  for (const [name, value] of Object.entries(EVERYWHERE)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
