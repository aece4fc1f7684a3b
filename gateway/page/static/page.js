// Keeps the page as the post is, and rings for new alerts. Without it the page loads itself anew every 20 seconds.
"use strict";
(() => {
  const kinds = document.body.dataset.live.split(" ").filter(Boolean);
  const live = () => document.getElementById("live");
  const store = {
    get(name) { try { return localStorage.getItem(name); } catch { return null; } },
    set(name, value) { try { localStorage.setItem(name, value); } catch { /* private window */ } },
  };

  // Alerts: a number is rung for once on this phone.
  const alerts = () => (live().dataset.alerts || "").split(" ").filter(Boolean).map(Number);
  const rung = new Set(alerts());
  let audio = null;
  const wantsSound = () => store.get("sound") === "on";
  const wake = () => {
    if (!wantsSound()) return;
    audio = audio || new (window.AudioContext || window.webkitAudioContext)();
    if (audio.state === "suspended") audio.resume();
  };
  const beep = () => {
    if (!audio || audio.state !== "running") return;
    [880, 660, 880, 660].forEach((pitch, n) => {
      const tone = audio.createOscillator(), volume = audio.createGain(), at = audio.currentTime + n * 0.3;
      tone.frequency.value = pitch;
      tone.type = "square";
      volume.gain.setValueAtTime(0.25, at);
      volume.gain.linearRampToValueAtTime(0, at + 0.28);
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.28);
    });
  };
  const ring = (numbers) => {
    const fresh = numbers.filter((number) => !rung.has(number));
    if (!fresh.length) return;
    fresh.forEach((number) => rung.add(number));
    document.documentElement.dataset.rang = fresh[fresh.length - 1];
    if (navigator.vibrate && (!navigator.userActivation || navigator.userActivation.hasBeenActive)) {
      navigator.vibrate([400, 150, 400, 150, 400]);
    }
    beep();
  };

  // The switch for sound, which only works with a script.
  const dress = () => {
    const button = document.getElementById("sound");
    if (!button) return;
    const words = button.querySelector("span");
    button.hidden = false;
    button.setAttribute("aria-pressed", wantsSound());
    words.textContent = wantsSound() ? words.dataset.on : words.dataset.off;
  };
  addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("#sound")) {
      store.set("sound", wantsSound() ? "off" : "on");
      wake();
      if (wantsSound()) beep();
      dress();
    } else wake();
  });

  // What is shown.
  const isBusy = () => [...live().querySelectorAll("input, textarea")].some((one) => one === document.activeElement
    || (one.type === "radio" ? one.checked !== one.defaultChecked : one.value !== one.defaultValue));
  let asking = false, again = false, wanted = false;
  const refresh = async () => {
    if (asking) { again = true; return; }
    asking = true;
    wanted = false;
    try {
      const answer = await fetch(location.href, { headers: { "X-Refresh": "1" }, cache: "no-store" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      if (answer.ok && fresh && isBusy()) {  // what a person is writing stays
        wanted = true;
        ["header", "nav"].forEach((part) => live().querySelector(part).replaceWith(fresh.querySelector(part)));
        live().dataset.alerts = fresh.dataset.alerts;
        ring(alerts());
      } else if (answer.ok && fresh) {
        const open = [...live().querySelectorAll("details")].map((one) => one.open);
        const focused = document.activeElement && document.activeElement.getAttribute("href");
        live().replaceWith(document.adoptNode(fresh));
        live().querySelectorAll("details").forEach((one, n) => { one.open = Boolean(open[n]); });
        const same = focused && [...live().querySelectorAll("a")].find((one) => one.getAttribute("href") === focused);
        if (same) same.focus({ preventScroll: true });
        dress();
        ring(alerts());
      }
      lost(false);
    } catch { lost(true); }
    asking = false;
    if (again) { again = false; refresh(); }
  };
  const lost = (is) => { document.getElementById("lost").hidden = !is; };
  addEventListener("focusout", () => { if (wanted) setTimeout(refresh, 300); });

  // News.
  let source = null, lastId = "";
  const listen = () => {
    source = new EventSource("/noticias" + (lastId ? "?last=" + encodeURIComponent(lastId) : ""));
    source.addEventListener("news", (event) => {
      lastId = event.lastEventId;
      const news = JSON.parse(event.data);
      lost(false);
      ring(news.alerts);
      if (news.kinds.includes("incident") || news.kinds.some((kind) => kinds.includes(kind))) refresh();
    });
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 15000);
      refresh();
    };
  };
  dress();
  if (kinds.length) {
    listen();
    setInterval(() => { if (!document.hidden) refresh(); }, 30000);
    addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
    addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
  }
})();
