// Finds the number that a proof of work asks for, in slices, so that the page stays usable. The
// hash is SHA-256 written out: crypto.subtle is missing in pages that came by plain HTTP.
(function () {
  "use strict";
  var box = document.currentScript.previousElementSibling;
  var input = box.querySelector("input");
  var form = input.form;
  var bits = Number(box.dataset.bits);
  var seed = box.dataset.seed;
  var number = 0, started = false, waiting = false, button = null;
  var K = [], H = [], W = new Int32Array(64);

  // The constants are fractions of the roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3).
  for (var candidate = 2; K.length < 64; candidate++) {
    var prime = true;
    for (var factor = 2; factor * factor <= candidate; factor++) {
      if (candidate % factor === 0) prime = false;
    }
    if (!prime) continue;
    if (H.length < 8) H.push((Math.sqrt(candidate) * 4294967296) | 0);
    K.push((Math.cbrt(candidate) * 4294967296) | 0);
  }

  function rotate(x, n) { return (x >>> n) | (x << (32 - n)); }

  // The first 32 bits of the hash of a text of at most 55 ASCII characters: one block.
  function firstWord(text) {
    W.fill(0, 0, 16);
    for (var i = 0; i < text.length; i++) W[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
    W[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3));
    W[15] = text.length * 8;
    for (i = 16; i < 64; i++) {
      var x = W[i - 15], y = W[i - 2];
      W[i] = W[i - 16] + W[i - 7] + (rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)) +
        (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10));
    }
    var a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    for (i = 0; i < 64; i++) {
      var s = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
        K[i] + W[i]) | 0;
      var t = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
        ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + s) | 0; d = c; c = b; b = a; a = (s + t) | 0;
    }
    return (H[0] + a) | 0;
  }

  function slice() {
    var end = Date.now() + 25;
    do {
      if (Math.clz32(firstWord(seed + ":" + number)) >= bits) return done();
      number++;
    } while (number % 256 || Date.now() < end);
    setTimeout(slice, 0);
  }

  function start() {
    if (started) return;
    started = true;
    setTimeout(slice, 0);
  }

  function done() {
    input.value = box.dataset.challenge + ":" + number;
    box.querySelector("[role=status]").textContent = "";
    if (waiting) form.requestSubmit(button);
  }

  if (!form) return;
  form.addEventListener("focusin", start);
  form.addEventListener("submit", function (event) {
    if (input.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting = true;
    button = event.submitter;
    box.querySelector("[role=status]").textContent = box.dataset.wait;
    start();
  }, true);
})();
