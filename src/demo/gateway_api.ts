/** What is asked of a gateway over HTTP: topics, and how far groups are. */

export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  /** What is committed. */
  readonly offset: number;
  /** Where the partition ends. */
  readonly end: number;
  readonly lag: number;
}

/**
 * A group of this run. Under its name there may be offsets of earlier runs' topics, too, which
 * nobody reads any more.
 */
export interface RunGroup {
  readonly group: string;
  readonly topics: readonly string[];
}

export interface TopicDescription {
  readonly incarnation: string;
  /** Where each begins and ends. */
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

  /** Where each partition of a topic begins and ends. */
  async bounds(topic: string): Promise<TopicDescription["partitions"]> {
    return (await this.topic(topic)).partitions;
  }

  /** Nothing for a group that there is not yet. */
  async offsets({ group, topics }: RunGroup): Promise<readonly GroupOffset[]> {
    const response = await fetch(`${this.url}/v1/groups/${group}`);
    if (response.ok) {
      const { offsets }: { offsets: readonly GroupOffset[] } = await response.json();
      return offsets.filter(({ topic }) => topics.includes(topic));
    }
    await response.body?.cancel();
    return [];
  }

  /** Records that the group has not committed yet; undefined before it has begun. */
  async lag(group: RunGroup): Promise<number | undefined> {
    const offsets = await this.offsets(group);
    return offsets.length === 0 ? undefined : offsets.reduce((sum, { lag }) => sum + lag, 0);
  }
}
