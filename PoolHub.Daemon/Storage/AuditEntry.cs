using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage;

/// <summary>
/// What somebody did with the rights of an admin, or with a key. Kept in the transaction of the change; docs/http-api.md,
/// "Audit".
/// </summary>
/// <param name="Who">The admin's name, or <see cref="Enrolment"/>.</param>
/// <param name="Address">Where the request came from; empty when that is not known.</param>
/// <param name="Action">One of the constants below.</param>
/// <param name="MinerId">Null when it is about no single miner.</param>
/// <param name="Detail">For people. Cut to 512 characters, without control characters.</param>
/// <param name="Id">Given by the store; later ones are greater.</param>
internal sealed record AuditEntry(DateTimeOffset At, string Who, string Address, string Action, string? MinerId, string Detail, long Id = 0)
{
    public const string KeyIssue = "key_issue";
    public const string KeyRotate = "key_rotate";
    public const string KeyRevoke = "key_revoke";
    public const string KeyClaim = "key_claim";
    public const string PriceSet = "price_set";
    public const string PriceClear = "price_clear";
    public const string TrustReset = "trust_reset";
    public const string Command = "command";
    public const string BanLift = "ban_lift";
    public const string AcceptLoss = "accept_loss";
    public const string HoldRelease = "hold_release";

    /// <summary>Who claims an id while enrolment is open; no admin's name begins with a capital.</summary>
    public const string Enrolment = "Enrolment";

    public string Detail { get; init; } = Clean(Detail);

    public static AuditEntry Claim(string minerId, DateTimeOffset at) => new(at, Enrolment, "", KeyClaim, minerId, "");

    private static string Clean(string text)
    {
        string cut = text.Length <= Limits.DetailChars ? text : text[..Limits.DetailChars];
        return Texts.IsPrintable(cut) ? cut : string.Create(cut.Length, cut, static (clean, from) =>
        {
            for (int i = 0; i < clean.Length; i++)
            {
                // A surrogate may have lost its other half to the cut.
                clean[i] = char.IsSurrogate(from[i]) || !Texts.IsPrintable(from[i].ToString()) ? '?' : from[i];
            }
        });
    }
}
