import { currentLanguage, setLanguage } from "./i18n.ts";
import { codeFromAddress, login } from "./login.ts";
import { Station } from "./station.ts";

/** Logs in if need be, and shows the station until the session ends, again and again. */
async function run(): Promise<never> {
  setLanguage(currentLanguage());
  const code = codeFromAddress();
  for (;;) {
    const session = await fetch("/api/session").catch(() => null);
    if (session?.ok !== true) {
      await login(code);
    }
    await new Station().run();
  }
}

void run();
