using System.Buffers.Binary;

namespace PoolHub.Benchmarks.Children;

/// <summary>The messages that begin a connection, one after the other in a file, each behind its length.</summary>
internal static class Greetings
{
    public static byte[] Join(params byte[][] messages)
    {
        using var all = new MemoryStream();
        byte[] length = new byte[4];
        foreach (byte[] message in messages)
        {
            BinaryPrimitives.WriteInt32LittleEndian(length, message.Length);
            all.Write(length);
            all.Write(message);
        }
        return all.ToArray();
    }

    public static IEnumerable<byte[]> Split(byte[] greeting)
    {
        for (int at = 0; at < greeting.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(greeting.AsSpan(at));
            yield return greeting[(at + 4)..(at + 4 + length)];
            at += 4 + length;
        }
    }
}
