/** The demo as its page sees it: what it is about, its present state, and its actions. */

import { GatewayApi } from "./gateway_api.ts";
import { type GroupView, GroupWatch } from "./group_view.ts";
import type { Journal } from "./journal.ts";
import type { GatewayKeeper } from "./keeper.ts";
import { type Action, refused, type Use } from "./use.ts";

export interface StageOptions {
  /** The gateway's address. */
  readonly url: string;
  /** Runs the gateway, if the demo started it. */
  readonly keeper: GatewayKeeper | undefined;
  readonly use: Use;
  readonly journal: Journal;
}

export class Stage {
  readonly #options: StageOptions;
  readonly #watches: readonly GroupWatch[];
  readonly actions: Readonly<Record<string, Action>>;
  #groups: readonly GroupView[] = [];
  #reachable = true;

  constructor(options: StageOptions) {
    this.#options = options;
    const { url, use, keeper, journal } = options;
    const api = new GatewayApi(url);
    this.#watches = use.crews.map((crew) => new GroupWatch(crew, api));
    const restart = async () => {
      if (!keeper) throw refused("The gateway is not the demo's own: it was named by --url");
      journal.tell("The gateway was killed");
      await keeper.restart();
      journal.tell("The gateway is back");
    };
    this.actions = { ...use.actions, "gateway/restart": restart };
  }

  /** The gateway's address. */
  get gateway(): string {
    return this.#options.url;
  }

  about(): object {
    const { url, keeper, use } = this.#options;
    const canRestartGateway = keeper !== undefined;
    return { use: use.name, gateway: url, canRestartGateway, ...use.about() };
  }

  state(): object {
    const { keeper, use, journal } = this.#options;
    return {
      elapsedS: journal.elapsedS,
      gateway: { up: this.#reachable && keeper?.up !== false, restarts: keeper?.restarts ?? 0 },
      groups: this.#groups,
      log: journal.entries,
      ...use.state(),
    };
  }

  /** Updates how far the groups are. */
  async look(): Promise<void> {
    try {
      this.#groups = await Promise.all(this.#watches.map((watch) => watch.look()));
      this.#reachable = true;
    } catch {
      // The page shows the last known state, and that the gateway cannot be reached.
      this.#reachable = false;
    }
  }
}
