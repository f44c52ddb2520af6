// oidcc-backchannel-rp-initiated-logout-certification: relying parties are told of a sign-out.
export default { modules: ['oidcc-backchannel-logout-discovery-endpoint-verification', 'oidcc-backchannel-rp-initiated-logout'] };
