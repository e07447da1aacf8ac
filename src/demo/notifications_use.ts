/**
 * Notifications: one record reaches everybody who should hear of it. Three groups forward each of
 * them, through Apple, through Google and by mail (each a stand-in that counts); the devices in the
 * page follow the keys of their own user and of everybody.
 */

import { catchUp, consumersLine, Crew } from "./crew.ts";
import type { Journal } from "./journal.ts";
import type { Member, Task, Work } from "./member.ts";
import { Outlet } from "./outlet.ts";
import { pause } from "./pause.ts";
import { type Action, crewActions, refused, string, type Use } from "./use.ts";

const MEMBERS = 2;
const SEND_EVERY_MS = 700;
const EVERYBODY = "everybody";
const USERS = ["ada", "ben", "cleo", "dan", "eva", "finn"];
const TEXTS = [
  "Your driver is three minutes away",
  "Your driver has arrived",
  "Your receipt is ready",
  "Somebody shared a ride with you",
];

interface Sender {
  readonly group: string;
  readonly title: string;
  /** How long a provider takes for one batch. */
  readonly takesMs: number;
}

const SENDERS: readonly Sender[] = [
  { group: "apns", title: "Apple push", takesMs: 10 },
  { group: "fcm", title: "Google push", takesMs: 10 },
  { group: "mail", title: "Mail", takesMs: 400 },
];

/** Forwards notifications to a provider, and counts them. */
class Sending implements Work {
  readonly group: string;
  readonly title: string;
  readonly topics: readonly string[];
  readonly #takesMs: number;
  readonly #passedOn = new Set<number>();
  repeated = 0;

  constructor({ group, title, takesMs }: Sender, topic: string) {
    this.group = group;
    this.title = title;
    this.#takesMs = takesMs;
    this.topics = [topic];
  }

  /** Different notifications that were forwarded. */
  get count(): number {
    return this.#passedOn.size;
  }

  begin(member: Member): Task {
    return {
      process: async ({ topic, partition, records, next }) => {
        await pause(this.#takesMs);
        if (!member.alive) return;
        for (const { value } of records) {
          const { number } = value as { number: number };
          if (this.#passedOn.has(number)) this.repeated++;
          this.#passedOn.add(number);
        }
        await member.consumer.commit([{ topic, partition, offset: next }]);
      },
    };
  }
}

export class NotificationsUse implements Use {
  readonly name = "notifications";
  readonly crews: readonly Crew[];
  readonly actions: Readonly<Record<string, Action>>;
  readonly #outlet: Outlet;
  readonly #sendings: readonly Sending[];
  #sent = 0;

  private constructor(outlet: Outlet, urls: readonly string[], { tell }: Journal) {
    this.#outlet = outlet;
    this.#sendings = SENDERS.map((sender) => new Sending(sender, outlet.topic));
    this.crews = this.#sendings.map((work) => new Crew(urls, work, tell));
    for (const crew of this.crews) crew.start(MEMBERS);
    this.actions = {
      ...crewActions(this.crews, tell),
      notify: (wish) => {
        const user = wish["user"] === undefined ? EVERYBODY : string(wish, "user");
        if (user !== EVERYBODY && !USERS.includes(user)) {
          throw refused(`"user" must be one of ${USERS.join(", ")}, or left out`);
        }
        this.#send(user, string(wish, "text"));
        tell(`${user} ${user === EVERYBODY ? "is" : "was"} notified`);
      },
    };
  }

  static async start(
    { urls, journal }: { urls: readonly string[]; journal: Journal },
  ): Promise<NotificationsUse> {
    return new NotificationsUse(await Outlet.open(urls, "notifications"), urls, journal);
  }

  about(): object {
    return { topics: { notifications: this.#outlet.topic }, users: USERS, everybody: EVERYBODY };
  }

  state(): object {
    const passedOn = this.#sendings.map(({ title, count }) => ({ title, count }));
    return { sent: this.#sent, passedOn };
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let i = 0; !signal.aborted; i++) {
      this.#send(USERS[i % USERS.length] ?? EVERYBODY, TEXTS[i % TEXTS.length] ?? "");
      this.#outlet.check();
      await pause(SEND_EVERY_MS);
    }
  }

  async catchUp(): Promise<void> {
    await this.#outlet.flush();
    await catchUp(this.#outlet.api, this.crews);
  }

  async count() {
    const sent = this.#sent;
    const counts = this.#sendings.map(({ group, count }) => `${group} ${count}`).join("  ");
    const lost = this.#sendings.reduce((sum, { count }) => sum + sent - count, 0);
    const repeated = this.#sendings.reduce((sum, sending) => sum + sending.repeated, 0);
    return {
      line: `sent ${sent}  ${counts}  lost ${lost}  repeated ${repeated}  ` +
        consumersLine(this.crews),
      isWhole: lost === 0,
    };
  }

  async close(): Promise<void> {
    for (const crew of this.crews) crew.stop();
    await this.#outlet.close();
  }

  #send(user: string, text: string): void {
    const value = { number: this.#sent++, text, sentAtMs: Date.now() };
    this.#outlet.publish({ key: user, value });
  }
}
