// Of our own: what was answered holds, whatever happens to the daemon.
export default { options: { alone: true }, modules: ['after-kill'] };
