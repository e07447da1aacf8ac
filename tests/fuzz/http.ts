/** Sends the requests of one conversation, one after the other, and holds the answers to the page. */

import type { Gateway } from "../support/gateway.ts";
import { RawConnection } from "../support/raw_http.ts";
import { type Answer, faultOfAnswer, isWhole, readAnswer } from "./answers.ts";
import type { Conversation } from "./conversations.ts";
import type { RawRequest } from "./requests.ts";
import type { Held } from "./socket.ts";
import type { Trail } from "./trail.ts";

const PATIENCE_MS = 30_000;
/** What has lied of its own length is not waited for: the gateway waits for more of it. */
const LIE_MS = 200;

export async function request(
  gateway: Gateway,
  { requests }: Conversation,
  trail: Trail,
): Promise<Held> {
  const faults: string[] = [];
  const outcomes = new Map<string, number>();
  for (const one of requests) {
    trail.text(new TextDecoder().decode(one.bytes));
    const answer = await ask(gateway, one);
    const fault = answer ? faultOfAnswer(answer, one) : one.lies ? undefined : "no answer";
    if (fault !== undefined) faults.push(`${fault}: ${shown(answer)} to ${shown(one)}`);
    const outcome = `HTTP ${answer?.status ?? "none"}`;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return { faults, outcomes, code: undefined };
}

async function ask(gateway: Gateway, { bytes, lies }: RawRequest): Promise<Answer | undefined> {
  const connection = new RawConnection(gateway.origin);
  connection.send(bytes);
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([
    connection.until((received) => {
      const answer = readAnswer(received);
      return answer !== undefined && isWhole(answer);
    }),
    new Promise<void>((resolve) => timer = setTimeout(resolve, lies ? LIE_MS : PATIENCE_MS)),
  ]);
  clearTimeout(timer);
  const answer = readAnswer(connection.received);
  await connection.close();
  // What was cut short by this side says nothing.
  return answer && lies && !isWhole(answer) ? undefined : answer;
}

function shown(what: Answer | RawRequest | undefined): string {
  if (!what) return "nothing";
  if ("bytes" in what) return JSON.stringify(new TextDecoder().decode(what.bytes).slice(0, 1_000));
  return `${what.status} ${JSON.stringify(what.body.slice(0, 300))}`;
}
