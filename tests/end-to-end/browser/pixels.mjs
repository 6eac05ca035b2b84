// Measures the time from a block's last sample to the frame that shows it, for every bed that is live.
//
// node pixels.mjs STATION_URL ACCESS_CODE SECONDS
import { check, eventually, logIn, withBrowser } from "./story.mjs";

const [station, code, seconds] = process.argv.slice(2);

await withBrowser(async (browser) => {
  const { page } = await logIn(browser, station, code, "Measurer");
  await eventually("eight beds", 30_000, async () => (await page.locator("[data-testid^=bed-]").count()) >= 8);
  // The history that every device brings along arrives late by nature.
  await page.waitForTimeout(40_000);
  const delays = await page.evaluate(async (seconds) => {
    const seen = new Map();
    const delays = [];
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      await new Promise(requestAnimationFrame);
      for (const strip of document.querySelectorAll("[data-painted-us]")) {
        const painted = Number(strip.dataset.paintedUs);
        const before = seen.get(strip);
        seen.set(strip, painted);
        const delay = performance.timeOrigin + performance.now() - painted / 1000;
        if (before !== undefined && painted > before && delay < 10_000) delays.push(delay);
      }
    }
    return delays.sort((a, b) => a - b);
  }, Number(seconds));
  check(delays.length > 0, "blocks were painted");
  const at = (share) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))].toFixed(0);
  console.log(`sample to pixel: ${delays.length} blocks, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
});
