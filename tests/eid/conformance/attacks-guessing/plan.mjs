// Guessing, at a daemon of its own: from then on it is slow to whoever comes from this machine.
export default { options: { alone: true }, modules: ['sign-in-guessing'] };
