// A midwife opens the station, sees strips move, sees the alert of the prolonged deceleration, answers for it;
// a second midwife finds it answered. Then the service dies and the page says so.
//
// node station.mjs STATION_URL ACCESS_CODE DEVICE_WITH_DECELERATION PID SCREENSHOT
import { check, eventually, logIn, pictureOf, withBrowser } from "./story.mjs";

const [station, code, device, pid, screenshot] = process.argv.slice(2);

await withBrowser(async (browser) => {
  const first = await logIn(browser, station, code, "First Midwife");
  const second = await logIn(browser, station, code, "Second Midwife");

  await eventually("eight beds or more", 30_000, async () => (await first.page.locator("[data-testid^=bed-]").count()) >= 8);
  const before = await pictureOf(first.page, `strip-${device}`);
  await eventually("the strip moves", 15_000, async () => (await pictureOf(first.page, `strip-${device}`)) !== before);

  const alert = await eventually("an alert of the prolonged deceleration", 240_000, async () => {
    const alerts = first.page.locator(`[data-testid^=alert-][data-device="${device}"]`);
    for (const found of await alerts.all()) {
      if (/prolonged_deceleration/.test((await found.getAttribute("data-condition")) ?? "")) return found;
    }
    return undefined;
  });
  const id = (await alert.getAttribute("data-testid")).replace("alert-", "");
  await first.page.screenshot({ path: screenshot });
  check((await second.page.getByTestId(`alert-${id}`).count()) === 1, "the second screen shows the same alert");

  await first.page.getByTestId(`acknowledge-${id}`).click();
  await eventually("the first screen names who answers", 10_000, async () =>
    (await first.page.getByTestId(`alert-${id}`).textContent()).includes("First Midwife"),
  );
  await eventually("the second screen finds it acknowledged by name", 10_000, async () =>
    (await second.page.getByTestId(`alert-${id}`).textContent()).includes("First Midwife"),
  );
  const late = await logIn(browser, station, code, "Third Midwife");
  await eventually("a browser that opens later finds it acknowledged too", 10_000, async () =>
    (await late.page.getByTestId(`alert-${id}`).textContent()).includes("First Midwife"),
  );

  check(!(await first.page.getByTestId("banner-not-live").isVisible()), "the page is live");
  process.kill(Number(pid), "SIGSTOP");
  const frozen = Date.now();
  try {
    await eventually("NOT LIVE after the service froze", 8_000, () => first.page.getByTestId("banner-not-live").isVisible());
    check(Date.now() - frozen <= 6_000, "the page said so within five seconds and its timer's tick");
  } finally {
    process.kill(Number(pid), "SIGCONT");
  }
  await eventually("live again by itself", 30_000, async () => !(await first.page.getByTestId("banner-not-live").isVisible()));
  check(first.problems.length === 0, `no errors in the page (${first.problems.join("; ")})`);
});
