using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Handwritten.Runtime.Audio;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

/// <summary>Damaged WAV files, by the hundred: each is either read or refused in a sentence.</summary>
public class AudioFilePropertyTests
{
    private static readonly byte[][] Seeds =
    [
        new WavBytes().Format().Data(WavBytes.Int16([.. Enumerable.Range(0, 500)])).ToArray(),
        new WavBytes().Chunk("LIST", new byte[31]).Format(channels: 2, rate: 44100).Data(WavBytes.Int16([.. Enumerable.Range(0, 500)]), 0).ToArray(),
        new WavBytes().Extensible(1, channels: 3, bits: 24, validBits: 20, rate: 48000).Chunk("fact", [1, 0, 0, 0]).Data(WavBytes.Int24([.. Enumerable.Range(0, 300)])).ToArray(),
        new WavBytes().Format(tag: 3, bits: 32, rate: 22050).Data(WavBytes.Single([.. Enumerable.Range(0, 300).Select(i => i / 300f)]), uint.MaxValue).ToArray(),
        new WavBytes("RF64", uint.MaxValue).LongSizes(600).Format(tag: 3, bits: 64, rate: 8000).Data(WavBytes.Double(new double[75]), uint.MaxValue).ToArray(),
        new WavBytes().Format(bits: 8, rate: 11025).Data(new byte[333]).Chunk("LIST", [1, 2, 3]).ToArray(),
    ];

    private static readonly uint[] Extremes = [0, 1, 2, 3, 16, 255, 32768, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF];

    private static Gen<Func<byte[], byte[]>> Damage => Gen.OneOf(
        // A byte becomes another one; headers more often than samples.
        from place in Gen.OneOf(Gen.Choose(0, 99), Gen.Choose(0, 2000))
        from value in Gen.Choose(0, 255)
        select (Func<byte[], byte[]>)(wav => Changed(wav, place, [(byte)value])),

        // Four of them become a number that hurts.
        from place in Gen.Choose(0, 99)
        from value in Gen.Elements(Extremes)
        select (Func<byte[], byte[]>)(wav => Changed(wav, place, BitConverter.GetBytes(value))),

        // The end is missing.
        from length in Gen.Choose(0, 2000)
        select (Func<byte[], byte[]>)(wav => wav[..Math.Min(length, wav.Length)]),

        // A piece is missing, or there twice.
        from place in Gen.Choose(0, 99)
        from length in Gen.Choose(1, 40)
        select (Func<byte[], byte[]>)(wav => [.. wav.Take(place), .. wav.Skip(place + length)]),
        from place in Gen.Choose(0, 99)
        from length in Gen.Choose(1, 40)
        select (Func<byte[], byte[]>)(wav => [.. wav.Take(place + length), .. wav.Skip(place)]));

    [Property(MaxTest = 1000)]
    public Property A_damaged_wav_is_read_or_refused_in_a_sentence() => Prop.ForAll(
        Gen.Elements(Seeds).ToArbitrary(),
        Damage.ListOf().Resize(4).ToArbitrary(),
        (seed, damages) =>
        {
            byte[] wav = damages.Aggregate(seed, (bytes, damage) => damage(bytes));
            Task<(long Bytes, string Outcome)> loading = Task.Factory.StartNew(() => Load(wav), TaskCreationOptions.LongRunning);
            Assert.True(loading.Wait(TimeSpan.FromSeconds(60)), "It hangs.");
            Assert.InRange(loading.Result.Bytes, 0, 10_000_000);
        });

    [Property]
    public Property Any_bytes_are_refused_in_a_sentence() => Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(),
        bytes => Assert.NotEqual("read", Load(bytes).Outcome));

    private static (long Bytes, string Outcome) Load(byte[] wav)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string outcome;
        try
        {
            AudioClip clip = AudioFile.Load(new PipeStream(wav, atMost: 1000), "it", new Ffmpeg(""));
            Assert.All(clip.Samples, sample => Assert.InRange(sample, -1, 1));
            Assert.NotEmpty(clip.Samples);
            outcome = "read";
        }
        catch (AudioException exception)
        {
            Assert.StartsWith("it ", exception.Message);
            Assert.EndsWith(".", exception.Message);
            outcome = exception.Message;
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before, outcome);
    }

    private static byte[] Changed(byte[] wav, int place, byte[] value)
    {
        byte[] changed = [.. wav];
        for (int i = 0; i < value.Length && place + i < changed.Length; i++)
        {
            changed[place + i] = value[i];
        }

        return changed;
    }
}
