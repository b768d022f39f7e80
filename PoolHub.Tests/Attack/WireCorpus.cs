using System.Buffers.Binary;
using MessagePack;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;
using PoolHub.Tests.Style;

namespace PoolHub.Tests.Attack;

/// <summary>The golden vectors as a fuzzer takes them, and what it puts into them.</summary>
internal static class WireCorpus
{
    /// <summary>
    /// What afl++ has found from the golden vectors that takes another way through the readers, one body in hex on a line.
    /// <c>POOLHUB_TEST_KEEP_WAYS=1 ./test --full --filter-class '*AflTests'</c> adds to it.
    /// </summary>
    public const string FoundByAfl = "PoolHub.Tests/Attack/found-by-afl.txt";

    /// <summary>The golden vectors, and what was found from them.</summary>
    public static Specimen[] Messages { get; } =
    [
        .. GoldenVectors.All.Select(vector => Of(vector.Body)),
        .. Sources.Read(FoundByAfl).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(hex => Of(Convert.FromHexString(hex))),
    ];

    /// <summary>Values at every edge of MessagePack's types, and headers that promise what does not come.</summary>
    public static byte[][] Tokens { get; } =
    [
        .. new[]
        {
            "c0", "c1", "c2", "c3", "00", "01", "7f", "80", "8f", "90", "91", "9f", "a0", "a161", "bf", "e0", "ff",
            "c400", "c4ff", "c5ffff", "c6ffffffff", "c700", "c9ffffffff01", "d40100", "d801",
            "ca00000000", "ca80000000", "ca7f800000", "caff800000", "ca7fc00000", "ca7f7fffff", "ca00000001",
            "cb0000000000000000", "cb8000000000000000", "cb7ff0000000000000", "cbfff0000000000000", "cb7ff8000000000000",
            "cb7fefffffffffffff", "cb0000000000000001", "cb7fe1ccf385ebc8a0", "cb40f0000000000000", "cb4130000000000001",
            "cc00", "cc80", "ccff", "cdffff", "ce80000000", "ceffffffff", "cf8000000000000000", "cfffffffffffffffff",
            "cf7fffffffffffffff", "cf0000000100000000", "cf016345785d8a0000", "cf016345785d8a0001",
            "d080", "d0ff", "d18000", "d280000000", "d27fffffff", "d38000000000000000", "d3ffffffffffffffff",
            "d90161", "d9ff", "daffff", "dbffffffff", "db0000000161", "dc000161", "dcffff", "ddffffffff", "dd00000000",
            "de0001", "dfffffffff", "81a16101", "9191919191919191", "a10a", "a11b", "a17f", "a2c328", "a2c285", "a3e280a8",
            "a3eda080", "a3efbfbf", "a4f09f9880", "a4f0808080", "a3612062", "a22a2a", "a33c623e", "a1c3",
        }.Select(Convert.FromHexString),
        Text(Limits.MinerIdChars), Text(Limits.MinerIdChars + 1), Text(Limits.TermChars), Text(Limits.TermChars + 1),
        Text(Limits.DetailChars), Text(Limits.DetailChars + 1), List(Limits.MaxTags), List(Limits.MaxTags + 1),
        List(Limits.MaxCapabilities + 1), List(Limits.MaxCurrentJobs), List(Limits.MaxCurrentJobs + 1),
    ];

    /// <summary>A body, cut at every value of its array and of the arrays within; at every byte when it is none.</summary>
    public static Specimen Of(byte[] body)
    {
        if (!MessageReader.TryOpen(body, out _, out _))
        {
            return new Specimen(body, [.. Enumerable.Range(0, body.Length + 1)]);
        }
        var reader = new MessagePackReader(body);
        List<int> cuts = [0];
        for (int values = 1; values > 0; values--)
        {
            if (reader.NextMessagePackType == MessagePackType.Array)
            {
                values += reader.ReadArrayHeader();
            }
            else
            {
                reader.Skip();
            }
            cuts.Add((int)reader.Consumed);
        }
        return new Specimen(body, [.. cuts]);
    }

    /// <summary>The same as a frame: its prefix is one more value.</summary>
    public static Specimen Framed(Specimen body)
    {
        byte[] frame = new byte[4 + body.Bytes.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, body.Bytes.Length);
        body.Bytes.CopyTo(frame, 4);
        return new Specimen(frame, [0, .. body.Cuts.Select(cut => cut + 4)]);
    }

    private static byte[] Text(int chars) => [0xda, (byte)(chars >> 8), (byte)chars, .. Enumerable.Repeat((byte)'x', chars)];

    private static byte[] List(int count) =>
        [0xdc, (byte)(count >> 8), (byte)count, .. Enumerable.Repeat(new byte[] { 0xa1, (byte)'t' }, count).SelectMany(item => item)];
}
