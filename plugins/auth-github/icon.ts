/** The picture on the button: two branches that meet. @module */
export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#24292f" stroke-width="2" stroke-linecap="round"><circle cx="7" cy="5" r="2.5"/><circle cx="7" cy="19" r="2.5"/><circle cx="17" cy="8" r="2.5"/><path d="M7 7.5v9M17 10.5c0 4-6 3-9.4 6.2"/></svg>'
