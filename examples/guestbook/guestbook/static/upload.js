"use strict";

/* Sends the form with a progress bar when there is a picture in it. Without this script, and
   without a picture, the browser sends it as ever. */

/* The words are in the page, in its language. */
const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
const form = document.querySelector(".sign form");

form.addEventListener("submit", (event) => {
  if (form.elements.picture.files.length === 0) return;
  event.preventDefault();
  const fields = new FormData(form);
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => tell(loaded / total));
  request.addEventListener("load", () => show(request));
  request.addEventListener("error", () => tell(null));
  request.open(form.method, form.action);
  request.send(fields);
  tell(0);
});

/* How much is sent, from 0 to 1; null when the connection broke. */
function tell(share) {
  const place = form.querySelector(".progress");
  const bar = place.querySelector("progress");
  const sent = share === 1;
  place.hidden = false;
  bar.hidden = share === null;
  bar.value = share ?? 0;
  place.querySelector("span").textContent =
    share === null
      ? place.dataset.broken
      : sent
        ? place.dataset.sent
        : place.dataset.share.replace("{share}", percent.format(share));
  form.querySelector("button").disabled = share !== null;
}

/* The answer is a page: the book, or the form with what is not right. */
function show(request) {
  history.replaceState(null, "", request.responseURL);
  document.open();
  document.write(request.responseText);
  document.close();
}
