// A work queue: the orders that were cooked last, and by whom.

import { colourOf } from "./groups.js";

export const title = "work queue";

export function begin() {
  const list = document.getElementById("orders");
  return {
    show({ orders: { placed, done, repeated, latest } }) {
      list.replaceChildren(...latest.map(({ number, dish, cook }) => {
        const [li, b, small, dot] = ["li", "b", "small", "span"].map((tag) =>
          document.createElement(tag)
        );
        b.textContent = `${dish} #${number}`;
        dot.className = `dot ${colourOf(cook)}`;
        small.append(dot, cook);
        li.append(b, small);
        return li;
      }));
      return { placed, done, waiting: Math.max(0, placed - done), "done twice": repeated };
    },
  };
}
