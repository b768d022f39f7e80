namespace PoolHub.Protocol;

/// <summary>
/// Why a conversation ended: the code in <see cref="Wire.Goodbye"/>, the field in the log and the label in the
/// metrics are this one value. Numbers are pinned and only ever appended; see docs/protocol.md, "Close reasons".
/// </summary>
public enum CloseReason : byte
{
    /// <summary>The sender leaves of its own accord; a miner that says so is removed at once.</summary>
    Leaving = 1,
    /// <summary>The hub is stopping or restarting; come back after <c>retry_after_ms</c>.</summary>
    ShuttingDown = 2,
    /// <summary>A newer session of the same miner took over, or it logged out over HTTP.</summary>
    Replaced = 3,
    /// <summary>Unknown miner or wrong key; the two are told apart by nobody.</summary>
    BadCredentials = 4,
    /// <summary>The session token is stale, expired or unknown; say hello with the key.</summary>
    StaleSession = 5,
    /// <summary>The hub does not speak the protocol version asked for.</summary>
    UnsupportedVersion = 6,
    /// <summary>The bytes are no frame or no message.</summary>
    Malformed = 7,
    /// <summary>A frame longer than the limit was announced.</summary>
    FrameTooLong = 8,
    /// <summary>The first frame was no hello.</summary>
    HelloExpected = 9,
    /// <summary>No hello came in time.</summary>
    HelloTimeout = 10,
    /// <summary>The peer does not read what is sent to it.</summary>
    SlowConsumer = 11,
    /// <summary>No heartbeat within the grace.</summary>
    LeaseExpired = 12,
    /// <summary>The miner reconnects too often; come back after <c>retry_after_ms</c>.</summary>
    Flapping = 13,
    /// <summary>The miner's key was revoked.</summary>
    KeyRevoked = 14,
    /// <summary>Too many messages in a row that the hub could not accept.</summary>
    TooManyErrors = 15,
    /// <summary>The hub could not store the registration; come back after <c>retry_after_ms</c>.</summary>
    Unavailable = 16,
    /// <summary>The hub failed in a way that it did not foresee.</summary>
    InternalError = 17,
    /// <summary>The connection ended without a goodbye. Never sent; seen in logs and metrics.</summary>
    Dropped = 18,
    /// <summary>Too many logins, or too much was sent in a second; come back after <c>retry_after_ms</c>.</summary>
    RateLimited = 19,
    /// <summary>Too many logins failed; come back after <c>retry_after_ms</c>.</summary>
    Banned = 20,
}

/// <summary>What follows from a reason, and how it is written.</summary>
public static class CloseReasons
{
    /// <summary>Whether something is wrong with the miner or its program, which whoever runs the hub may want to know.</summary>
    public static bool IsFault(this CloseReason reason) => reason is CloseReason.BadCredentials or CloseReason.UnsupportedVersion
        or CloseReason.Malformed or CloseReason.FrameTooLong or CloseReason.SlowConsumer or CloseReason.KeyRevoked or CloseReason.TooManyErrors
        or CloseReason.RateLimited;

    /// <summary>The reason's name in logs, metrics and JSON: lower case with underscores.</summary>
    public static string Name(this CloseReason reason) => reason switch
    {
        CloseReason.Leaving => "leaving",
        CloseReason.ShuttingDown => "shutting_down",
        CloseReason.Replaced => "replaced",
        CloseReason.BadCredentials => "bad_credentials",
        CloseReason.StaleSession => "stale_session",
        CloseReason.UnsupportedVersion => "unsupported_version",
        CloseReason.Malformed => "malformed",
        CloseReason.FrameTooLong => "frame_too_long",
        CloseReason.HelloExpected => "hello_expected",
        CloseReason.HelloTimeout => "hello_timeout",
        CloseReason.SlowConsumer => "slow_consumer",
        CloseReason.LeaseExpired => "lease_expired",
        CloseReason.Flapping => "flapping",
        CloseReason.KeyRevoked => "key_revoked",
        CloseReason.TooManyErrors => "too_many_errors",
        CloseReason.Unavailable => "unavailable",
        CloseReason.InternalError => "internal_error",
        CloseReason.Dropped => "dropped",
        CloseReason.RateLimited => "rate_limited",
        CloseReason.Banned => "banned",
        _ => "unknown",
    };
}
