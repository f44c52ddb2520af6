// Attacks on what the browser is told, over https, where cookies have another name.
export default { folders: 'attacks', options: { tls: true }, modules: ['cookies-and-headers', 'browser-binding', 'open-redirects'] };
