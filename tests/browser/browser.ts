/**
 * Pages in a real headless Chromium, for what only a browser can show: its WebSocket, its tabs, its
 * offline state, what is drawn. Each test gets a browser of its own, which starts in half a second, and
 * fails if a page logged an error or threw one that the test did not allow.
 *
 * The browser is the machine's: Debian's `chromium`, Chrome, or the program that the variable CHROMIUM
 * names. Where there is none the tests are ignored and say so; `.ci/run` installs it. What a failed
 * test's pages looked like is kept in `tests/output/`, as are the screenshots that tests take.
 */

import { assertEquals } from "@std/assert";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { isFile, onPath } from "../support/executables.ts";

const output = new URL("../output/", import.meta.url);
const patienceMs = 8_000;

/** What pages are shown on. A phone has touch, and obeys a page's `<meta name="viewport">`. */
export const screens = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
} as const;

export type Screen = (typeof screens)[keyof typeof screens];

const executable = await findChromium();
const missing = "Chromium is missing: install it (apt-get install chromium) or name it in CHROMIUM";

/**
 * A test with a browser of its own. Beyond what `run` asserts it fails if a page logged an error or
 * threw one; without Chromium it is ignored, and its name says why.
 */
export function browserTest(
  name: string,
  run: (browser: TestBrowser) => Promise<void>,
  screen: Screen = screens.desktop,
): void {
  Deno.test({
    name: executable ? name : `${name} (${missing})`,
    ignore: executable === undefined,
    async fn() {
      await using browser = await TestBrowser.start(screen);
      try {
        await run(browser);
      } catch (error) {
        throw await browser.explained(name, error);
      }
      assertEquals(await browser.takeProblems(), [], "A page had problems");
    },
  });
}

export class TestBrowser {
  /** What all tabs share: cookies, storage, workers, the network. */
  readonly context: BrowserContext;
  readonly #browser: Browser;
  readonly #problems: string[] = [];
  /** Chromium logs that it could not connect while a test has made it so: no problem of a page. */
  readonly #allowed: RegExp[] = [/net::ERR_INTERNET_DISCONNECTED/];

  private constructor(browser: Browser, context: BrowserContext) {
    this.#browser = browser;
    this.context = context;
    context.setDefaultTimeout(patienceMs);
    context.on("console", (message) => {
      if (message.type() === "error") this.#note(message.text(), message.location().url);
    });
    context.on("weberror", (thrown) => {
      const error = thrown.error();
      this.#note(error.stack ?? String(error), thrown.page()?.url() ?? "");
    });
    context.on("page", (page) => page.on("crash", () => this.#note("The tab crashed", page.url())));
  }

  /** Throws one sentence if there is no Chromium. The caller closes it. */
  static async start(screen: Screen = screens.desktop): Promise<TestBrowser> {
    if (executable === undefined) throw new Error(missing);
    // Its sandbox does not start as root, as which CI runs; it opens nothing but the tests' own pages.
    const browser = await chromium.launch({ executablePath: executable, chromiumSandbox: false });
    // A page that a test makes up came from nowhere; Chromium asks people about such a page that
    // connects to their own machine.
    const permissions = ["local-network-access"];
    return new TestBrowser(browser, await browser.newContext({ ...screen, permissions }));
  }

  /**
   * A new tab at `url`. With `html` that is the page there, whatever the server at that origin has:
   * so a test's page is of the gateway's own origin, which it lets in.
   */
  async open(url: string, html?: string): Promise<Page> {
    if (html !== undefined) {
      const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${html}`;
      await this.context.route(
        ({ href }) => href === new URL(url).href,
        (route) => route.fulfill({ contentType: "text/html", body: page }),
      );
    }
    const tab = await this.context.newPage();
    await tab.goto(url);
    return tab;
  }

  /**
   * Takes the network from all tabs, or gives it back. Pages get `offline` or `online`. While offline
   * connecting fails at once, but a WebSocket that is open stays so, as on a phone in a tunnel: what
   * either side sends waits, a closing handshake too, and all of it comes when the network is back. To
   * cut sockets, kill the gateway: that is noticed even then. A `SharedWorker` keeps its network.
   */
  async setOffline(offline: boolean): Promise<void> {
    await this.context.setOffline(offline);
  }

  /** From now on what fits is no problem, such as the refused connections to an ended gateway. */
  allow(problem: RegExp): void {
    this.#allowed.push(problem);
  }

  /** Errors that pages logged or threw, each with where, but for those allowed; asked for once. */
  async takeProblems(): Promise<readonly string[]> {
    // An answer from each page comes after everything that the page has reported.
    await Promise.all(this.context.pages().map((page) => page.evaluate("0")));
    return this.#problems.splice(0);
  }

  /** Draws what the tab shows into `tests/output/NAME.png`, and returns that path. */
  async screenshot(tab: Page, name: string): Promise<string> {
    await Deno.mkdir(output, { recursive: true });
    const { pathname } = new URL(`${name.replace(/[^\w.-]+/g, "-")}.png`, output);
    await tab.screenshot({ path: decodeURIComponent(pathname) });
    return decodeURIComponent(pathname);
  }

  /** The failure of a test, with what its pages looked like and had to say. */
  async explained(test: string, error: unknown): Promise<Error> {
    const lines = [...this.#problems];
    for (const [index, tab] of this.context.pages().entries()) {
      const drawn = this.screenshot(tab, `failed ${test} ${index + 1}`);
      lines.push(`${tab.url()} is drawn in ${await drawn.catch(String)}`);
    }
    const what = error instanceof Error ? error.message : String(error);
    return new Error([what, ...lines].join("\n"), { cause: error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }

  #note(text: string, where: string): void {
    if (!this.#allowed.some((pattern) => pattern.test(text))) {
      this.#problems.push(where ? `${text} (at ${where})` : text);
    }
  }
}

async function findChromium(): Promise<string | undefined> {
  const named = Deno.env.get("CHROMIUM");
  if (named) return named;
  const found = await onPath(["chromium", "chromium-browser", "google-chrome", "chrome"]);
  if (found) return found;
  const onMac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
  return await isFile(onMac) ? onMac : undefined;
}
