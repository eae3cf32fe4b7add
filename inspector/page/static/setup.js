// Setup: a camera that is chosen in one form is chosen in all of them, and with it the product that it is to inspect.
"use strict";

(function () {
  function fill(value, except) {
    document.querySelectorAll("input[name=source]:not([type=hidden])").forEach(function (field) { if (field !== except) field.value = value; });
  }
  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-source]");
    if (!button) return;
    fill(button.dataset.source);
    const name = document.getElementById("product");
    if (name && !name.value && button.dataset.teach) name.value = button.dataset.teach;
  });
  document.addEventListener("input", function (event) { if (event.target.name === "source") fill(event.target.value, event.target); });
})();
