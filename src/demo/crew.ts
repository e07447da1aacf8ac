/** The members of one group: a few of them, of which one is killed now and then and replaced. */

import { Member, type Work } from "./member.ts";

export class Crew {
  readonly work: Work;
  readonly #url: string;
  #members: Member[] = [];
  killed = 0;
  started = 0;

  constructor(url: string, work: Work) {
    this.#url = url;
    this.work = work;
  }

  async start(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#members.push(await Member.start(this.#url, this.work));
      this.started++;
    }
  }

  /** Kills the member that has been there longest, and starts another in its place. */
  async replaceOne(): Promise<void> {
    this.#members.shift()?.kill();
    this.killed++;
    await this.start(1);
  }

  stop(): void {
    for (const member of this.#members) member.kill();
    this.#members = [];
  }
}
