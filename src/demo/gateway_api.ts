/** Requests to a gateway over HTTP: topics, and the progress of groups. */

export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  /** The committed offset. */
  readonly offset: number;
  /** The end of the partition. */
  readonly end: number;
  readonly lag: number;
}

/**
 * A group of this run. It may also have offsets of topics of earlier runs, which nobody reads any
 * more.
 */
export interface RunGroup {
  readonly group: string;
  readonly topics: readonly string[];
}

export interface TopicDescription {
  readonly incarnation: string;
  /** The start and the next offset of each partition. */
  readonly partitions: readonly { readonly start: number; readonly next: number }[];
}

export class GatewayApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url.replace(/\/$/, "");
  }

  async makeTopic(topic: string, partitions: number): Promise<void> {
    const body = JSON.stringify({ partitions });
    const made = await fetch(`${this.url}/v1/topics/${topic}`, { method: "PUT", body });
    if (!made.ok) throw new Error(`Cannot make topic ${topic}: ${await made.text()}`);
    await made.body?.cancel();
  }

  async topic(topic: string): Promise<TopicDescription> {
    const response = await fetch(`${this.url}/v1/topics/${topic}`);
    if (!response.ok) throw new Error(`Cannot read topic ${topic}: ${await response.text()}`);
    return await response.json();
  }

  /** The start and the end of each partition of a topic. */
  async bounds(topic: string): Promise<TopicDescription["partitions"]> {
    return (await this.topic(topic)).partitions;
  }

  /** Empty for a group that does not exist yet. */
  async offsets({ group, topics }: RunGroup): Promise<readonly GroupOffset[]> {
    const response = await fetch(`${this.url}/v1/groups/${group}`);
    if (response.ok) {
      const { offsets }: { offsets: readonly GroupOffset[] } = await response.json();
      return offsets.filter(({ topic }) => topics.includes(topic));
    }
    await response.body?.cancel();
    return [];
  }

  /** Records that the group has not committed yet; undefined before it has started. */
  async lag(group: RunGroup): Promise<number | undefined> {
    const offsets = await this.offsets(group);
    return offsets.length === 0 ? undefined : offsets.reduce((sum, { lag }) => sum + lag, 0);
  }
}
