// Times in the zone of the reader.

import { expect, signUp, test } from "./latchkey";

// Fourteen hours ahead: often a day later than in UTC.
const timeZone = "Pacific/Kiritimati";
test.use({ timezoneId: timeZone });

test("activity stands below the day that it was for its reader", async ({ page }) => {
  const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone });
  const before = day.format(new Date());
  await signUp(page);
  await page.goto("/account/security");
  const heading = await page.getByRole("heading", { level: 3 }).first().textContent();
  // Midnight may have passed meanwhile.
  expect([before, day.format(new Date())]).toContain(heading);
});
