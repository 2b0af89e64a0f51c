// Start Swagger UI in the page that costrel/openapi/page.py makes.
"use strict";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => root.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const place = document.getElementById("docs");
SwaggerUIBundle({
  url: place.dataset.url,
  domNode: place,
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  // The document must not be sent to a validator on the internet, and the page's own query
  // must not be able to name another document.
  validatorUrl: null,
  queryConfigEnabled: false,
});
