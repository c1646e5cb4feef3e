// Asks reCAPTCHA v3 for a token when the form is sent: tokens are good for two minutes only.
(function () {
  "use strict";
  var input = document.currentScript.previousElementSibling;
  var form = input.form;
  var asked = false;
  function send(token, button) {
    asked = true;
    input.value = token;
    form.requestSubmit(button);
  }
  if (!form) return;
  form.addEventListener("submit", function (event) {
    // Without an answer the form goes without a token, and the server tells so.
    if (asked || !window.grecaptcha) { asked = false; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    var button = event.submitter;
    window.grecaptcha.ready(function () {
      window.grecaptcha.execute(input.dataset.sitekey, { action: input.dataset.action }).then(
        function (token) { send(token, button); },
        function () { send("", button); }
      );
    });
  }, true);
})();
