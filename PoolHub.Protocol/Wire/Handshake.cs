using MessagePack;

namespace PoolHub.Protocol.Wire;

/// <summary>docs/protocol.md, "1 Hello": the first message of a conversation, from the miner.</summary>
/// <param name="Version">The protocol version that the miner speaks.</param>
/// <param name="Features">Optional features it knows; version 1 defines none.</param>
/// <param name="ApiKey">Its key, for a new session; null when it resumes, or where its certificate is enough.</param>
/// <param name="SessionToken">The token of the session to resume; null for a new one.</param>
public readonly record struct Hello(int Version, string[] Features, string MinerId, string? ApiKey, string? SessionToken)
    : IMessage<Hello>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Hello;

    /// <inheritdoc/>
    public static Hello Read(ref MessageReader reader)
    {
        var hello = new Hello(
            reader.Int32("version", 0, ushort.MaxValue),
            reader.TextList("features", Limits.MaxFeatures, Limits.TermChars),
            reader.Text("miner_id", Limits.MinerIdChars),
            reader.Absent() ? null : reader.Text("api_key", Limits.ApiKeyChars),
            reader.Absent() ? null : reader.Text("session_token", Limits.SessionTokenChars));
        if (!reader.Failed && !Texts.IsMinerId(hello.MinerId))
        {
            reader.Fail("miner_id", Texts.MinerIdRule);
        }
        if (!reader.Failed && hello.ApiKey is not null && hello.SessionToken is not null)
        {
            reader.Fail("api_key", "at most one of api_key and session_token may be given");
        }
        return hello;
    }

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(6);
        writer.Write((int)Number);
        writer.Write(Version);
        writer.WriteTextList(Features);
        writer.Write(MinerId);
        writer.Write(ApiKey);
        writer.Write(SessionToken);
    }
}

/// <summary>docs/protocol.md, "2 Welcome": the hub's answer to a hello that it accepts.</summary>
/// <param name="SessionToken">Names this session; resumes it after a drop and authorises the HTTP calls.</param>
/// <param name="Epoch">Counts the sessions of this miner.</param>
/// <param name="LeaseTtlSec">Seconds from the last heartbeat until the miner is degraded.</param>
/// <param name="NextHeartbeatSec">Seconds until the hub wants the first heartbeat.</param>
/// <param name="Resumed">True when no <see cref="Register"/> is needed.</param>
public readonly record struct Welcome(
    int Version, string[] Features, string SessionToken, long Epoch, int LeaseTtlSec, int NextHeartbeatSec, bool Resumed)
    : IMessage<Welcome>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Welcome;

    /// <inheritdoc/>
    public static Welcome Read(ref MessageReader reader) => new(
        reader.Int32("version", 0, ushort.MaxValue),
        reader.TextList("features", Limits.MaxFeatures, Limits.TermChars),
        reader.Text("session_token", Limits.SessionTokenChars),
        reader.Integer("epoch", 0, long.MaxValue),
        reader.Int32("lease_ttl_sec", 1, int.MaxValue),
        reader.Int32("next_heartbeat_sec", 1, int.MaxValue),
        reader.Bool("resumed"));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(8);
        writer.Write((int)Number);
        writer.Write(Version);
        writer.WriteTextList(Features);
        writer.Write(SessionToken);
        writer.Write(Epoch);
        writer.Write(LeaseTtlSec);
        writer.Write(NextHeartbeatSec);
        writer.Write(Resumed);
    }
}

/// <summary>docs/protocol.md, "3 Register": the miner's profile, complete; a later one replaces it.</summary>
public readonly record struct Register(MinerProfile Profile) : IMessage<Register>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Register;

    /// <inheritdoc/>
    public static Register Read(ref MessageReader reader)
    {
        var profile = new MinerProfile
        {
            Addr = reader.Text("addr", Limits.AddrChars),
            Proto = reader.Text("proto", Limits.TermChars),
            GpuName = reader.Text("gpu_name", Limits.GpuNameChars),
            GpuVramGb = reader.Number("gpu_vram_gb", 0, Limits.MaxGpuVramGb),
            CpuCores = reader.Int32("cpu_cores", 0, Limits.MaxCpuCores),
            RamGb = reader.Number("ram_gb", 0, Limits.MaxRamGb),
            Price = new TokenPrice(reader.Integer("price_e8", 0, TokenPrice.Max.E8)),
            MaxParallel = reader.Int32("max_parallel", 1, Limits.MaxParallel),
            Region = reader.Text("region", Limits.TermChars),
            Accel = reader.TextList("accel", Limits.MaxAccel, Limits.TermChars),
            Tags = reader.TextList("tags", Limits.MaxTags, Limits.TermChars),
            Capabilities = reader.TextList("capabilities", Limits.MaxCapabilities, Limits.TermChars),
            Owner = reader.Absent() ? "" : reader.Text("owner", Limits.OwnerChars),
        };
        if (!reader.Failed && profile.FindProblem() is var (field, problem))
        {
            reader.Fail(field, problem);
        }
        return new Register(profile);
    }

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(14);
        writer.Write((int)Number);
        writer.Write(Profile.Addr);
        writer.Write(Profile.Proto);
        writer.Write(Profile.GpuName);
        writer.Write(Profile.GpuVramGb);
        writer.Write(Profile.CpuCores);
        writer.Write(Profile.RamGb);
        writer.Write(Profile.Price.E8);
        writer.Write(Profile.MaxParallel);
        writer.Write(Profile.Region);
        writer.WriteTextList(Profile.Accel);
        writer.WriteTextList(Profile.Tags);
        writer.WriteTextList(Profile.Capabilities);
        writer.Write(Profile.Owner);
    }
}

/// <summary>docs/protocol.md, "4 Registered": the profile is stored and the miner is offered from now on.</summary>
public readonly record struct Registered(int LeaseTtlSec, int NextHeartbeatSec) : IMessage<Registered>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Registered;

    /// <inheritdoc/>
    public static Registered Read(ref MessageReader reader) => new(
        reader.Int32("lease_ttl_sec", 1, int.MaxValue),
        reader.Int32("next_heartbeat_sec", 1, int.MaxValue));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(3);
        writer.Write((int)Number);
        writer.Write(LeaseTtlSec);
        writer.Write(NextHeartbeatSec);
    }
}

internal static class MessagePackWriterLists
{
    public static void WriteTextList(this ref MessagePackWriter writer, string[] texts)
    {
        writer.WriteArrayHeader(texts.Length);
        foreach (string text in texts)
        {
            writer.Write(text);
        }
    }
}
