// Times in the zone of whoever reads them. Without this they stand there in UTC, and say so.
const page = document.documentElement.lang;
const own = navigator.languages.find((language) => language.startsWith(page));
const words = new Intl.DateTimeFormat(own ?? page, {
  dateStyle: "long",
  timeStyle: "short",
});
for (const time of document.querySelectorAll("time[data-local]")) {
  time.textContent = words.format(new Date(time.dateTime));
}
