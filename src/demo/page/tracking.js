// Driver tracking: the cars come by a subscription of this page's own, and so does the one it follows.

import { act } from "./demo.js";
import { CityMap } from "./map.js";

export const title = "driver tracking";

const find = (id) => document.getElementById(id);

export function begin(about, weir) {
  const { topics } = about;
  const map = new CityMap(find("map"), about, follow);
  let received = 0;
  let following;

  async function watchAll() {
    // A page that cannot keep up is told the latest of each car, and misses what lies between.
    for await (const { key, value } of weir.subscribe(topics.fixes, { onSlow: "latest" })) {
      received++;
      map.move(key, value);
    }
  }

  async function follow(driver) {
    await following?.close();
    map.follow(driver);
    find("driver").value = driver;
    find("ride").textContent = `Waiting for ${driver}`;
    following = weir.subscribe(topics.fixes, { keys: [driver] });
    let fixes = 0;
    for await (const { value: { lat, lon, occupied } } of following) {
      fixes++;
      find("ride").textContent = `${driver} is ${occupied ? "taken" : "free"} at ` +
        `${lat.toFixed(4)}, ${lon.toFixed(4)}; ${fixes} fixes came, of this driver only.`;
    }
  }

  find("rider").onsubmit = (event) => {
    event.preventDefault();
    const driver = find("driver").value.trim();
    if (driver) follow(driver);
  };
  watchAll();

  return {
    show({ published, acknowledged, rides }) {
      return {
        published,
        acknowledged,
        "rides ended": rides,
        "cars here": map.cars,
        "fixes here": received,
      };
    },
    tools({ database, surge }) {
      return {
        archive: {
          buttons: [{
            label: database.paused ? "Let the database go on" : "Pause the database",
            pressed: database.paused,
            run: () => act("database", { paused: !database.paused }),
          }],
          note: `${database.rows.toLocaleString("en-US")} rows`,
        },
        surge: {
          buttons: [{
            label: surge.raining ? "Stop the rain" : "Let it rain",
            pressed: surge.raining,
            run: () => act("rain", { raining: !surge.raining }),
          }],
          note: `×${surge.times.toFixed(1)} at ${surge.cell}`,
        },
      };
    },
  };
}
