// Times in the reader's zone, in the words of the page. Without this they stand there in UTC, and
// say so.
const words = (options) =>
  new Intl.DateTimeFormat(document.documentElement.lang.replace(/^en$/, "en-GB"), options);
const day = words({ day: "numeric", month: "long", year: "numeric" });
const clock = words({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const write = {
  day: (date) => day.format(date),
  clock: (date) => clock.format(date),
  moment: (date) => `${day.format(date)}, ${clock.format(date)}`,
};
for (const time of document.querySelectorAll("time[data-local]"))
  time.textContent = write[time.dataset.local](new Date(time.dateTime));

// What happened shortly before or after midnight may belong to another day here than in UTC.
for (const days of document.querySelectorAll("[data-days]")) {
  const [heading, list] = days.children;
  const items = [...days.querySelectorAll("li")];
  const made = [];
  let current;
  for (const item of items) {
    const { dateTime } = item.querySelector("time");
    const name = day.format(new Date(dateTime));
    if (name !== current) {
      current = name;
      const title = heading.cloneNode(true);
      Object.assign(title.querySelector("time"), { dateTime, textContent: name });
      made.push(title, list.cloneNode(false));
    }
    made.at(-1).append(item);
  }
  days.replaceChildren(...made);
}
