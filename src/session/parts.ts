/** What the verbs of one session share. */

import type { Broker } from "../broker.ts";
import type { Sink } from "../fanout/feed.ts";
import type { Subjects } from "../identity/subjects.ts";
import type { Who } from "./credentials.ts";
import type { Requests } from "./requests.ts";
import type { Rest } from "./rest.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Turnstile } from "./turnstile.ts";

export interface Parts {
  readonly broker: Broker;
  readonly who: Who;
  readonly subjects: Subjects;
  readonly requests: Requests;
  readonly subscriptions: Subscriptions;
  readonly turnstile: Turnstile;
  readonly rest: Rest;
  /** The session's outbox. */
  readonly sink: Sink;
}
