// Notifications: each device follows its own user's key and everybody's, over the page's one socket.

import { act } from "./demo.js";

export const title = "notifications";

const SHOWN = 4;

export function begin({ topics, users, everybody }, weir) {
  const form = document.getElementById("notify");
  for (const name of [everybody, ...users]) form.elements.user.append(new Option(name));
  form.onsubmit = (event) => {
    event.preventDefault();
    const { user, text } = form.elements;
    act("notify", { user: user.value, text: text.value });
  };
  let received = 0;

  async function device(user) {
    const [phone, name, list] = ["li", "h2", "ul"].map((tag) => document.createElement(tag));
    name.textContent = user;
    phone.append(name, list);
    document.getElementById("phones").append(phone);
    const mine = weir.subscribe(topics.notifications, { keys: [user, everybody] });
    for await (const { key, value: { text, sentAtMs } } of mine) {
      received++;
      const [item, time] = ["li", "time"].map((tag) => document.createElement(tag));
      item.className = key === everybody ? "all" : "";
      time.textContent = `${Math.max(0, Date.now() - sentAtMs)} ms after it was sent`;
      item.append(text, time);
      list.prepend(item);
      while (list.children.length > SHOWN) list.lastChild.remove();
    }
  }

  for (const user of users) device(user);

  return {
    show({ sent, passedOn }) {
      const counts = passedOn.map(({ title, count }) => [title, count]);
      return { sent, ...Object.fromEntries(counts), "shown here": received };
    },
  };
}
