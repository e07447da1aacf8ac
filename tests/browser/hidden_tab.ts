/**
 * A tab in the background, which may be frozen: that of a user who went to another one. Playwright's own
 * tabs all look visible to their pages, and a visible page is never frozen; so this one is opened and
 * spoken to past Playwright, over the browser's own DevTools session.
 */

import type { CDPSession } from "playwright-core";
import type { TestBrowser } from "./browser.ts";

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly error?: { readonly message: string };
  readonly result?: {
    readonly result?: { readonly value?: unknown };
    readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
  };
}

export class HiddenTab {
  /** Errors that the page logged or threw. */
  readonly problems: string[] = [];
  readonly #root: CDPSession;
  readonly #session: string;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #id = 0;

  private constructor(root: CDPSession, session: string) {
    this.#root = root;
    this.#session = session;
    root.on("Target.receivedMessageFromTarget", ({ sessionId, message }) => {
      if (sessionId === session) this.#received(JSON.parse(message));
    });
  }

  /** Opens it behind another tab. It goes with the browser. */
  static async open(browser: TestBrowser, url: string): Promise<HiddenTab> {
    const owner = browser.context.browser();
    if (!owner) throw new Error("The context has no browser");
    const root = await owner.newBrowserCDPSession();
    const { targetId } = await root.send("Target.createTarget", { url: "about:blank" });
    await root.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await root.send("Target.attachToTarget", { targetId, flatten: false });
    const tab = new HiddenTab(root, sessionId);
    await tab.#send("Runtime.enable");
    // What a page of the gateway may load is for other tests.
    await tab.#send("Page.setBypassCSP", { enabled: true });
    await tab.#send("Page.navigate", { url });
    return tab;
  }

  /** The value of an expression in the page, frozen or not; what it promises is awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.#send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const thrown = result?.exceptionDetails?.exception?.description;
    if (thrown !== undefined) throw new Error(thrown);
    return result?.result?.value as T;
  }

  /** Stops the page's timers and events, as browsers do after some minutes in the background. */
  async freeze(): Promise<void> {
    await this.#send("Page.setWebLifecycleState", { state: "frozen" });
  }

  async wake(): Promise<void> {
    await this.#send("Page.setWebLifecycleState", { state: "active" });
  }

  async #send(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    const id = ++this.#id;
    const replied = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    const message = JSON.stringify({ id, method, params });
    await this.#root.send("Target.sendMessageToTarget", { sessionId: this.#session, message });
    const reply = await replied;
    if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
    return reply;
  }

  #received(reply: Reply): void {
    const { id, method, params } = reply;
    if (id !== undefined) {
      this.#waiting.get(id)?.(reply);
      this.#waiting.delete(id);
    } else if (method === "Runtime.exceptionThrown" || isError(method, params)) {
      this.problems.push(JSON.stringify(params));
    }
  }
}

function isError(method: string | undefined, params: unknown): boolean {
  return method === "Runtime.consoleAPICalled" && (params as { type: string }).type === "error";
}
