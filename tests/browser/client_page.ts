/**
 * A page that has imported the client from the gateway and keeps what happens to it, for the tests of
 * the client in a browser. What a test wants of the page it says in the page's own language; the names
 * that stand ready there are those of the script below.
 */

import type { Page } from "playwright-core";
import type { Gateway } from "../support/gateway.ts";
import { eventually } from "../support/eventually.ts";
import type { TestBrowser } from "./browser.ts";
import { HiddenTab } from "./hidden_tab.ts";

/** What a page keeps of a record. */
export interface Seen {
  readonly partition: number;
  readonly offset: number;
  readonly key?: string;
  readonly value: unknown;
}

/**
 * `read(name, reader)` runs the loop of a subscription or a consumer: its records are `seen[name]`,
 * how it ended `ended[name]`. `states` are all of the connection's, each as `status: reason`.
 * `send(producer, topic, key, values)` publishes one by one without waiting; the answers are in
 * `answers`. `events` are those that tell a page of its network and its life.
 */
const script = `
  const { connect } = await import("/v1/client.js");
  const weir = connect("/");
  const states = [], seen = {}, ended = {}, answers = [], events = [];
  weir.onState(({ status, reason }) => states.push(status + ": " + reason));
  for (const type of ["online", "offline"]) addEventListener(type, () => events.push(type));
  for (const type of ["freeze", "resume"]) {
    document.addEventListener(type, () => events.push(type));
  }
  async function read(name, reader) {
    seen[name] = [];
    try {
      for await (const { partition, offset, key, value } of reader) {
        seen[name].push({ partition, offset, key, value });
      }
      ended[name] = "closed";
    } catch (error) {
      ended[name] = error.code ?? String(error);
    }
  }
  function send(producer, topic, key, values) {
    for (const value of values) {
      producer.publish(topic, { key, value }).then(
        () => answers.push(value),
        (error) => answers.push(error.code + " " + error.effect),
      );
    }
  }
  Object.assign(globalThis, { weir, states, seen, ended, answers, events, read, send });
`;

let opened = 0;

/** A tab of Playwright's, or another one in which expressions can be evaluated. */
interface Evaluates {
  evaluate<T>(expression: string): Promise<T>;
}

export class ClientPage<Tab extends Evaluates = Page> {
  readonly tab: Tab;

  private constructor(tab: Tab) {
    this.tab = tab;
  }

  /** A new tab of the gateway's origin, whose client is connected. */
  static async open(browser: TestBrowser, gateway: Gateway): Promise<ClientPage> {
    opened += 1;
    const html = `<title>Client</title><script type="module">${script}</script>`;
    const tab = await browser.open(`${gateway.origin}/client-page-${opened}`, html);
    const page = new ClientPage(tab);
    await page.until(`globalThis.weir?.state.status === "open"`);
    return page;
  }

  /** The same in the background. */
  static async openHidden(browser: TestBrowser, gateway: Gateway): Promise<ClientPage<HiddenTab>> {
    const page = new ClientPage(await HiddenTab.open(browser, `${gateway.origin}/healthz`));
    await page.until(`document.readyState === "complete" && location.href !== "about:blank"`);
    await page.run(script);
    await page.until(`weir.state.status === "open"`);
    return page;
  }

  /** Runs statements in the page and waits for what they await; the value is what they return. */
  run<T = void>(statements: string): Promise<T> {
    return this.tab.evaluate<T>(`(async () => { ${statements} })()`);
  }

  /** The value of an expression in the page. */
  get<T>(expression: string): Promise<T> {
    return this.tab.evaluate<T>(expression);
  }

  /** Waits until an expression is true in the page. */
  until(expression: string, withinMs?: number): Promise<void> {
    return eventually(expression, () => this.get<boolean>(`!!(${expression})`), withinMs);
  }

  /** The records that the loop of this name was given, when there are at least so many. */
  async records(name: string, count: number): Promise<readonly Seen[]> {
    await this.until(`seen.${name}?.length >= ${count}`);
    return await this.get(`seen.${name}`);
  }
}
