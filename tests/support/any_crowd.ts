/** For listeners that are tested for something else: everybody may open as many sockets as he likes. */

import { Crowd } from "../../src/server/crowd.ts";
import { testHost } from "./test_host.ts";

export const anyCrowd = {
  crowd: new Crowd(testHost().clock, { sockets: Infinity, strangers: undefined }),
  trustedProxies: 0,
} as const;
