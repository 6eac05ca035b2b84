// A bed appears on the station and its strip moves.
//
// node bed.mjs STATION_URL ACCESS_CODE DEVICE
import { eventually, logIn, pictureOf, withBrowser } from "./story.mjs";

const [station, code, device] = process.argv.slice(2);

await withBrowser(async (browser) => {
  const { page } = await logIn(browser, station, code, "Midwife");
  await eventually("the bed appears", 30_000, async () => (await page.getByTestId(`bed-${device}`).count()) === 1);
  await eventually("it shows a heart rate", 20_000, async () => /(?<!\d)1\d\d(?!\d)/.test(await page.getByTestId(`bed-${device}`).textContent()));
  const before = await pictureOf(page, `strip-${device}`);
  await eventually("its strip moves", 15_000, async () => (await pictureOf(page, `strip-${device}`)) !== before);
});
