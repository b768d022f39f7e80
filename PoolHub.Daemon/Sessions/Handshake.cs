using PoolHub.Daemon.Access;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>docs/protocol.md, "1 Hello": who is there, and whether it is let in.</summary>
internal static class Handshake
{
    /// <summary>Takes the first message. Returns the miner's session, and whether it
    /// goes on with what it had registered; null after the channel was closed with the reason.</summary>
    public static (Session Session, bool Resumed)? Take(int number, ref MessageReader reader, Channel channel, SessionTable table)
    {
        if (number != (int)MessageNumber.Hello)
        {
            channel.Close(CloseReason.HelloExpected, "the first message must be Hello");
            return null;
        }
        Hello hello = Hello.Read(ref reader);
        // Of another version nothing but the version is known to stand where it is read.
        if (reader.Field != "version" && hello.Version != Limits.ProtocolVersion)
        {
            channel.Close(CloseReason.UnsupportedVersion, $"this hub speaks protocol version {Limits.ProtocolVersion}");
            return null;
        }
        if (reader.Failed)
        {
            channel.Close(CloseReason.Malformed, $"{reader.Field} {reader.Problem}");
            return null;
        }
        if (hello is { ApiKey: null, SessionToken: null } && table.NeedsKey)
        {
            channel.Close(CloseReason.Malformed, "api_key or session_token must be given");
            return null;
        }
        bool resumes = hello.SessionToken is not null;
        Admission admission = resumes
            ? table.Resume(hello.SessionToken, channel.Peer, channel, mayRegister: true, hello.MinerId)
            : table.Open(hello.MinerId, hello.ApiKey, channel.Peer, LoginKind.Hello, channel);
        if (admission.Session is not { } session)
        {
            CloseReason reason = resumes && admission.Refusal == CloseReason.BadCredentials ? CloseReason.StaleSession : admission.Refusal;
            channel.Close(reason, admission.Detail, (int)admission.RetryAfter.TotalMilliseconds);
            return null;
        }
        return (session, admission.Registered);
    }
}
