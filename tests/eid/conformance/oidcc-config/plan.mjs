// oidcc-config-certification: what discovery says. Over https, as addresses must be.
export default { options: { tls: true }, modules: ['oidcc-discovery-endpoint-verification'] };
