using CsCheck;
using MessagePack;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>Whatever bytes arrive, reading them says what is wrong and never throws.</summary>
public sealed class MalformedMessageTests
{
    /// <summary>A valid message, the index of the element to spoil, what to put there (hex; empty cuts the array off there).</summary>
    [Theory]
    [InlineData("conversation/1-hello", 1, "a131", "version")]
    [InlineData("conversation/1-hello", 1, "ff", "version")]
    [InlineData("conversation/1-hello", 1, "ce00010000", "version")]
    [InlineData("conversation/1-hello", 2, "c0", "features")]
    [InlineData("conversation/1-hello", 2, "9101", "features")]
    [InlineData("conversation/1-hello", 2, "91a10a", "features")]
    [InlineData("conversation/1-hello", 3, "a0", "miner_id")]
    [InlineData("conversation/1-hello", 3, "a3612062", "miner_id")]
    [InlineData("conversation/1-hello", 3, "a2c328", "miner_id")]
    [InlineData("conversation/1-hello", 3, "c0", "miner_id")]
    [InlineData("conversation/1-hello", 3, "", "miner_id")]
    [InlineData("conversation/1-hello", 4, "c403616263", "api_key")]
    [InlineData("conversation/1-hello", 5, "a174", "api_key")]
    [InlineData("conversation/2-welcome", 5, "00", "lease_ttl_sec")]
    [InlineData("conversation/2-welcome", 6, "cb4010000000000000", "next_heartbeat_sec")]
    [InlineData("conversation/2-welcome", 7, "01", "resumed")]
    [InlineData("conversation/2-welcome", 7, "", "resumed")]
    [InlineData("conversation/3-register", 1, "a0", "addr")]
    [InlineData("conversation/3-register", 1, "a3612062", "addr")]
    [InlineData("conversation/3-register", 2, "a0", "proto")]
    [InlineData("conversation/3-register", 2, "a447525043", "proto")]
    [InlineData("conversation/3-register", 3, "a26109", "gpu_name")]
    [InlineData("conversation/3-register", 4, "ca7fc00000", "gpu_vram_gb")]
    [InlineData("conversation/3-register", 4, "cb7ff0000000000000", "gpu_vram_gb")]
    [InlineData("conversation/3-register", 4, "cbfff8000000000000", "gpu_vram_gb")]
    [InlineData("conversation/3-register", 4, "ff", "gpu_vram_gb")]
    [InlineData("conversation/3-register", 4, "cfffffffffffffffff", "gpu_vram_gb")]
    [InlineData("conversation/3-register", 4, "a132", "gpu_vram_gb")]
    [InlineData("conversation/3-register", 5, "ff", "cpu_cores")]
    [InlineData("conversation/3-register", 5, "cb3ff0000000000000", "cpu_cores")]
    [InlineData("conversation/3-register", 6, "cbbff0000000000000", "ram_gb")]
    [InlineData("conversation/3-register", 7, "d3ffffffffffffffff", "price_e8")]
    [InlineData("conversation/3-register", 7, "cfffffffffffffffff", "price_e8")]
    [InlineData("conversation/3-register", 8, "00", "max_parallel")]
    [InlineData("conversation/3-register", 9, "a24555", "region")]
    [InlineData("conversation/3-register", 10, "91a0", "accel")]
    [InlineData("conversation/3-register", 11, "dc2710", "tags")]
    [InlineData("conversation/3-register", 11, "81a16101", "tags")]
    [InlineData("conversation/3-register", 12, "91c0", "capabilities")]
    [InlineData("conversation/3-register", 12, "", "capabilities")]
    [InlineData("conversation/3-register", 13, "2a", "owner")]
    [InlineData("conversation/3-register", 13, "a26109", "owner")]
    [InlineData("conversation/5-heartbeat", 1, "ff", "seq")]
    [InlineData("conversation/5-heartbeat", 1, "cf8000000000000000", "seq")]
    [InlineData("conversation/5-heartbeat", 2, "c0", "ts_ms")]
    [InlineData("conversation/5-heartbeat", 3, "ce000f4241", "queue_len")]
    [InlineData("conversation/5-heartbeat", 3, "", "queue_len")]
    [InlineData("conversation/5-heartbeat", 4, "a0", "avg_latency_ms")]
    [InlineData("conversation/5-heartbeat", 5, "d08c", "temp_c")]
    [InlineData("conversation/5-heartbeat", 5, "cd03e9", "temp_c")]
    [InlineData("conversation/5-heartbeat", 6, "ca7f800000", "mem_free_gb")]
    [InlineData("conversation/6-heartbeat-ack", 2, "00", "next_heartbeat_sec")]
    [InlineData("conversation/11-update", 2, "00", "busy")]
    [InlineData("conversation/11-update", 3, "dc0401", "current_jobs")]
    [InlineData("conversation/11-update", 4, "ff", "price_e8")]
    [InlineData("conversation/7-ping", 1, "c3", "nonce")]
    [InlineData("conversation/7-ping", 1, "", "nonce")]
    [InlineData("conversation/8-pong", 1, "cfffffffffffffffff", "nonce")]
    [InlineData("conversation/9-command", 2, "ff", "kind")]
    [InlineData("conversation/9-command", 3, "01", "arguments")]
    [InlineData("conversation/9-command", 3, "", "arguments")]
    [InlineData("conversation/9-command", 3, "90", "price_e8")]
    [InlineData("command/drain", 3, "9101", "on")]
    [InlineData("command/update-tags", 3, "91dc2710", "tags")]
    [InlineData("command/reconnect", 3, "91a161", "delay_ms")]
    [InlineData("conversation/10-command-ack", 2, "a0", "accepted")]
    [InlineData("conversation/10-command-ack", 3, "01", "detail")]
    [InlineData("conversation/13-goodbye", 1, "cd0100", "code")]
    [InlineData("conversation/13-goodbye", 2, "a10a", "detail")]
    [InlineData("conversation/13-goodbye", 3, "ff", "retry_after_ms")]
    [InlineData("error/invalid-field", 2, "a0", "in_reply_to")]
    [InlineData("error/invalid-field", 3, "c0", "field")]
    [InlineData("error/invalid-field", 4, "", "detail")]
    public void Message_with_one_element_spoilt_names_the_field(string name, int index, string hex, string field)
    {
        byte[] body = Spoil(GoldenVectors.Named(name).Body, index, hex);
        (object? message, string? at, string? problem) = AnyMessage.Read(body);
        Assert.Null(message);
        Assert.Equal(field, at);
        Assert.False(string.IsNullOrEmpty(problem));
    }

    [Theory]
    [InlineData("", "nothing")]
    [InlineData("c0", "nil")]
    [InlineData("01", "a number")]
    [InlineData("90", "an empty array")]
    [InlineData("81a16101", "a map")]
    [InlineData("91a131", "a text for a number")]
    [InlineData("91c0", "nil for a number")]
    [InlineData("91ceffffffff", "a number beyond 32 bits")]
    [InlineData("91cfffffffffffffffff", "a number beyond 63 bits")]
    [InlineData("91d38000000000000000", "a number below 32 bits")]
    [InlineData("91cb3ff0000000000000", "a float for a number")]
    [InlineData("9208", "an element missing")]
    [InlineData("92080700", "a byte too many")]
    [InlineData("9108ff", "another")]
    [InlineData("9208c1", "the code that MessagePack never uses")]
    [InlineData("9208d9", "a text without its length")]
    [InlineData("9208dbffffffff", "a text of 4 GB")]
    [InlineData("ddffffffff08", "an array of 4 billion")]
    [InlineData("9208dfffffffff", "a map of 4 billion")]
    [InlineData("9208c9ffffffff01", "an extension of 4 GB")]
    [InlineData("9208919191919191919191919100", "arrays within arrays")]
    public void Body_that_is_no_message_is_not_opened(string hex, string what) =>
        Assert.False(MessageReader.TryOpen(Convert.FromHexString(hex), out _, out _), what);

    [Fact]
    public void Body_of_nothing_but_array_headers_is_not_opened()
    {
        byte[] body = new byte[Limits.MaxFrameBytes];
        Array.Fill(body, (byte)0x9f);
        Assert.False(MessageReader.TryOpen(body, out _, out _));
    }

    [Theory]
    [MemberData(nameof(GoldenVectors.Names), MemberType = typeof(GoldenVectors))]
    public void Body_cut_short_is_not_opened(string name)
    {
        byte[] body = GoldenVectors.Named(name).Body;
        for (int length = 0; length < body.Length; length++)
        {
            Assert.False(MessageReader.TryOpen(body.AsSpan(0, length), out _, out _));
        }
    }

    [Fact]
    public void Body_changed_at_random_is_read_or_names_a_field_and_never_throws()
    {
        Gen<byte[]> golden = Gen.Int[0, GoldenVectors.All.Count - 1].Select(i => GoldenVectors.All[i].Body);
        // Bytes that mean something to MessagePack find more than bytes drawn evenly.
        byte[] codes = [0x90, 0xc0, 0xc1, 0xc4, 0xc7, 0xca, 0xcb, 0xcf, 0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xdf, 0xff];
        Gen<byte> telling = Gen.OneOf(Gen.Byte, Gen.Int[0, codes.Length - 1].Select(i => codes[i]));
        Gen.Select(golden, Gen.Select(Gen.Int[0, 400], telling, Gen.Int[0, 2]).Array[1, 4]).Sample(
            (body, changes) =>
            {
                var changed = new List<byte>(body);
                foreach ((int at, byte value, int how) in changes)
                {
                    int index = at % (changed.Count + 1);
                    if (how == 0 || index == changed.Count)
                    {
                        changed.Insert(index, value);
                    }
                    else if (how == 1)
                    {
                        changed[index] = value;
                    }
                    else if (changed.Count > 1)
                    {
                        changed.RemoveAt(index);
                    }
                }
                (object? message, string? field, string? problem) = AnyMessage.Read(changed.ToArray());
                Assert.Equal(field is null, problem is null);
                if (message is not null)
                {
                    // What was accepted can be passed on, and is read again as the same.
                    byte[] written = AnyMessage.Write(message);
                    Assert.Equal(written, AnyMessage.Write(AnyMessage.Read(written).Message!));
                }
            },
            iter: 50_000);
    }

    [Fact]
    public void Body_of_random_bytes_never_throws() =>
        Gen.Byte.Array[0, 64].Sample(body => _ = AnyMessage.Read([0x96, (byte)(body.Length % 14), .. body]), iter: 20_000);

    /// <summary>Replaces one element of the outer array, or ends the array before it.</summary>
    private static byte[] Spoil(byte[] body, int index, string hex)
    {
        var reader = new MessagePackReader(body);
        int count = reader.ReadArrayHeader();
        for (int i = 0; i < index; i++)
        {
            reader.Skip();
        }
        int start = (int)reader.Consumed;
        if (hex.Length == 0)
        {
            return [(byte)(0x90 | index), .. body[1..start]];
        }
        reader.Skip();
        byte[] element = Convert.FromHexString(hex);
        // A list of 10,000 must really have them, or the body is cut short.
        if (element is [.., 0xdc, _, _])
        {
            int entries = (element[^2] << 8) | element[^1];
            element = [.. element, .. Enumerable.Repeat(new byte[] { 0xa1, 0x74 }, entries).SelectMany(it => it)];
        }
        Assert.True(count < 16);
        return [.. body[..start], .. element, .. body[(int)reader.Consumed..]];
    }
}
