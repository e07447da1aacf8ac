/**
 * The client of a Weir gateway, for browsers, React Native, Deno, Node and Bun: what an application
 * imports, here and from `/v1/client.js`.
 */

export {
  Client,
  connect,
  type ConnectOptions,
  type TransactOptions,
  type TransactPart,
} from "./client.ts";
export { type Assigned, type ConsumeOptions, Consumer } from "./consumer.ts";
export { type ClientErrorCode, WeirError, type WeirErrorDetail } from "./errors.ts";
export { Producer, type ProducerOptions } from "./producer.ts";
export {
  type Position,
  type Resumed,
  type SubscribeOptions,
  Subscription,
} from "./subscription.ts";
export type { Abortable } from "./abort.ts";
export type { Gap, RecordBatch } from "./batch.ts";
export type { OffsetToCommit } from "./commits.ts";
export type { Capacity } from "./flow.ts";
export type { ConnectionState } from "./link.ts";
export type { ClientSocket, Platform, SocketEvents } from "./platform.ts";
export type { Published, RecordPlace, RecordToPublish, WeirRecord } from "./records.ts";
