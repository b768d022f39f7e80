using PoolHub.Protocol;

namespace PoolHub.Daemon.Sessions;

/// <summary>
/// Whether a miner was let in. Over HTTP the refusals are 401 (<c>bad_credentials</c>, <c>key_revoked</c>), 409 (<c>stale_session</c>) and
/// 429 (<c>flapping</c>, <c>rate_limited</c>, <c>banned</c>).
/// </summary>
/// <param name="Session">Null when it was refused.</param>
/// <param name="Refusal">Why.</param>
/// <param name="RetryAfter">How long it has to stay away.</param>
/// <param name="Registered">Its session had registered: it goes on, and need not register again.</param>
/// <param name="Aging">Its token nears its end and should be replaced.</param>
internal readonly record struct Admission(
    Session? Session, CloseReason Refusal = default, string Detail = "", TimeSpan RetryAfter = default, bool Registered = false, bool Aging = false);
