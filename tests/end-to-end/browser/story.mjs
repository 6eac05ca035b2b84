// What every browser story needs: Debian's Chromium, a page that is logged in, and checks that say what they saw.
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Runs a story with a browser of its own and closes it whatever happens. */
export async function withBrowser(story) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  try {
    await story(browser);
  } catch (error) {
    console.error(`FAILED: ${error.stack ?? error}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** Opens the station in a window of its own and logs in under a name, by the link with the access code. */
export async function logIn(browser, station, code, name) {
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 }, locale: "en-GB" });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(`${station}/#code=${code}`);
  await page.getByTestId("login-name").fill(name);
  await page.getByTestId("login-submit").click();
  await page.getByTestId("wall").waitFor();
  check(!page.url().includes(code), "the access code stays out of the address");
  // Before the login the service refused to tell who is logged in, and the browser noted it.
  problems.length = 0;
  return { page, problems, context };
}

/** Fails with what was expected. */
export function check(condition, expectation) {
  if (!condition) throw new Error(`expected: ${expectation}`);
  console.log(`ok: ${expectation}`);
}

/** Waits until a function gives something, and gives it back. */
export async function eventually(expectation, limitMs, look) {
  const end = Date.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen) {
      console.log(`ok: ${expectation}`);
      return seen;
    }
    if (Date.now() > end) throw new Error(`expected within ${limitMs} ms: ${expectation}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** A number that changes when the picture of a canvas changes. */
export function pictureOf(page, testId) {
  return page.getByTestId(testId).evaluate((element) => {
    const canvas = element instanceof HTMLCanvasElement ? element : element.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let hash = 0;
    for (let i = 0; i < data.length; i += 4) hash = (hash * 31 + data[i] + 3 * data[i + 1] + 7 * data[i + 2]) | 0;
    return hash;
  });
}
